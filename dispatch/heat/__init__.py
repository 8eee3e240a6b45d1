"""Where cases were reported, of any class and period: the whole casebook as a few columns, counted into a grid when asked."""
