"""Encoded queries: what a client asks for (`active=true^ORDERBYnumber`), from text to SQL.

`grammar` turns text into a tree (`tree`), `selection` a tree into SQLAlchemy over the data dictionary. What a query
means follows ServiceNow's "Operators available for filters and queries"; where that page is silent, the module that
decides says so.
"""
