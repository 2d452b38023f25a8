"""The Meal Delivery Routing Problem: days of real orders, their rules, and the published measures."""
