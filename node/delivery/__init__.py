"""What leaves the node by itself: statements to partners, broadcasts to MQTT."""
