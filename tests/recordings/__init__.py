"""`make recordings FOLDER=…`: what we read of recorded devices, beside what another system reads of them."""
