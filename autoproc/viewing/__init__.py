"""What viewers show of images, reflections and lattices, as numbers; how it is drawn is for the browser."""
