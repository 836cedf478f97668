"""The node described for programs: its admin API as OpenAPI, its broadcasts as AsyncAPI, made from what runs."""
