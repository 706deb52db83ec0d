"""The files of DIALS: experiments, reflections and their shoeboxes."""
