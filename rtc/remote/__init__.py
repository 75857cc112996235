"""A client for running servers, over the network: what `manage.py rtc_call` is made of. It needs the extra `call`."""

from rtc.remote.address import Address
from rtc.remote.call import CallRefused, RemoteCall
from rtc.remote.heard import Heard

__all__ = ["Address", "CallRefused", "Heard", "RemoteCall"]
