"""What tasks may cost, from listed prices, bodies and schemas; no I/O.

`estimator` prices requests, `totals` adds them up. An estimate may say too much, never silently
too little: what cannot be priced is named.
"""
