"""The staff is told when something is wrong with images, beam, queue, disks or processing."""
