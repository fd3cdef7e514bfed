//go:build tools

// Package tools pins the registry that tests and the demo keep their images in.
package tools

import (
	_ "github.com/distribution/distribution/v3/cmd/registry"
)
