"""The http level: the shipped client and server speak real HTTP, over links in memory."""
