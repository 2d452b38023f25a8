"""The dynamic part of the EURO meets NeurIPS 2022 vehicle routing competition: dispatch waves from one depot."""
