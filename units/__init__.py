"""What is counted here and how: energy in Wh, prices in đồng per kWh, money in milli-đồng, delivery intervals, ids.

Plain Python on integers: no Django, no clock, no I/O. Everything else in the house may import it; it imports nothing.
"""
