import reader

assert reader.read() == "some data\n"
