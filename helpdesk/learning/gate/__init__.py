"""Is a candidate better than what serves, and nowhere worse?"""
