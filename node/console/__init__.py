"""The admin console: pages for people, on the same use cases as the admin API. No rule of a connection stands here."""
