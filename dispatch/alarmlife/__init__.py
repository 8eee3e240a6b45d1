"""What people do with alarms (acknowledge, shelve, dispose ...) and what an operator sees of a thousand of them."""
