"""The client pages: HTML, one module per noun."""
