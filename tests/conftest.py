def pytest_collection_modifyitems(items):
    # What takes real time goes last, so that a plain mistake shows at once.
    items.sort(key=lambda item: item.get_closest_marker("live") is not None)
