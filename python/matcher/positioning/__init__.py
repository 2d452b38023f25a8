"""Where idle couriers should stand before the next orders come."""

from matcher.positioning.moves import CourierEnds, NewPlace, propose_moves

__all__ = ["CourierEnds", "NewPlace", "propose_moves"]
