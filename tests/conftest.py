def pytest_collection_modifyitems(items):
    # What takes real time goes last, so that a plain mistake shows at once. The browser comes after all else: its
    # driver keeps an event loop running in the main thread, beside which no asynchronous test can have its own.
    items.sort(key=lambda item: (item.get_closest_marker("live") is not None, "/browser/" in str(item.path)))
