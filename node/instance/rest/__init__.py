"""The REST APIs of the instance, as ServiceNow documents them."""
