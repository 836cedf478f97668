"""The use cases of connections, on which the admin API, the peer endpoint and the timers stand."""
