"""The dynamic pickup-and-delivery problem of the ICAPS 2021 competition: factories, docks, last in first out."""
