// Makes a widget of each root in the page, also of one that comes later, and closes it once its root has left.

const ROOT = "[data-rtc-client]";

/**
 * What takes a root out and puts it back in one step, moves it, and disturbs no call.
 *
 * @param {new (root: HTMLElement) => { client: object, close(): void }} Widget
 */
export function keepWidgets(Widget) {
  const widgets = new Map();

  const mount = (root) => {
    if (!root.isConnected || widgets.has(root)) return;
    const widget = new Widget(root);
    widgets.set(root, widget);
    root.rtcClient = widget.client;
  };

  const look = (node) => {
    if (!(node instanceof Element)) return;
    if (node.matches(ROOT)) mount(node);
    node.querySelectorAll(ROOT).forEach(mount);
  };

  const sweep = () => {
    for (const [root, widget] of widgets) {
      if (root.isConnected) continue;
      widgets.delete(root);
      widget.close();
    }
  };

  look(document.documentElement);
  new MutationObserver((records) => {
    sweep();
    for (const { addedNodes } of records) addedNodes.forEach(look);
  }).observe(document, { childList: true, subtree: true });
}
