"""Your own pictures: the files of a folder or archive, their labels and their pixels."""
