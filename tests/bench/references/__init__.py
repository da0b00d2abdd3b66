"""What our figures are held against where no whole product does the same: the bare parts."""
