"""The live stage: one page with both consoles side by side, and what goes over the wire and over MQTT between them."""
