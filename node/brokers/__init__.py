"""MQTT brokers that Handclasp starts itself, as child processes that listen on loopback only."""
