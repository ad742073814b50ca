"""HTTP in, HTTP out. The only room that imports Flask (with app.py)."""
