// Package tools pins the registry that tests keep their images in.
//
//go:build tools

package tools

import _ "github.com/distribution/distribution/v3/cmd/registry"
