// Package official runs the conformance suite of Gateway API v1.7.0, and the cases of GEP-1619 for that generation.
package official

import (
	"testing"

	"limpet.dev/conformance/gep1619"
	"sigs.k8s.io/gateway-api/conformance"
)

func TestConformance(t *testing.T) { conformance.RunConformance(t) }

func TestSessionPersistence(t *testing.T) { gep1619.Run(t, gep1619.From17) }
