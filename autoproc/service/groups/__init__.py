"""Groups of sweeps, whose data are put together by jobs of their own."""
