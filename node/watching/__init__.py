"""A reader of the broadcasts: what nodes say of themselves and of their connections, made into one picture."""
