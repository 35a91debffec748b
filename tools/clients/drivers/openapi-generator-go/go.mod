module walk

go 1.23
