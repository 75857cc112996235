// Connect tickets: a page of another origin gets one for each session.

const TIMEOUT_MS = 10_000;

/**
 * @param {(() => string | Promise<string>) | null} ticket the page's own way to get one
 * @returns {Promise<string | null>} rejected when it fails, or takes too long
 */
export async function askForTicket(ticket) {
  if (!ticket) return null;
  let timer;
  const tooLate = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`There was no ticket within ${TIMEOUT_MS} ms.`)), TIMEOUT_MS);
  });
  try {
    return await Promise.race([ticket(), tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

export function withTicket(url, ticket) {
  if (ticket === null || url === null) return url;
  const address = new URL(url, location.href);
  address.searchParams.set("ticket", ticket);
  return address.href;
}
