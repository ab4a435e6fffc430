// Runs the cases on the official suite's own runner, with its base manifests.
package gep1619

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sigs.k8s.io/gateway-api/conformance"
	confsuite "sigs.k8s.io/gateway-api/conformance/utils/suite"
)

// Run runs the cases of a generation with the suite's command line flags. It writes no report, and claims the features by
// itself: the official list does not have them.
func Run(t *testing.T, generation Generation) {
	options := conformance.DefaultOptions(t)
	options.ReportOutputPath = ""
	options.ConformanceProfiles = nil
	options.SupportedFeatures = generation.features()
	options.ManifestFS = append(options.ManifestFS, generation.manifests())

	suite, err := confsuite.NewConformanceTestSuite(options)
	require.NoError(t, err, "error initializing conformance suite")
	suite.Setup(t, generation.cases)
	require.NoError(t, suite.Run(t, generation.cases))
}
