// Package gep1619 holds conformance cases for session persistence, after the test plan of GEP-1619, in the style of the official
// suite. The plan's cases for GRPCRoute are not here.
package gep1619

import (
	"embed"
	"io/fs"

	confsuite "sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/gateway-api/pkg/features"
)

// Names of features as the plan has them. The header variant of HTTPRoute and XBackend are not in the plan; their names follow
// GRPCRouteSessionPersistenceHeader.
const (
	SupportHTTPRouteSessionPersistence                features.FeatureName = "HTTPRouteSessionPersistence"
	SupportHTTPRouteSessionPersistencePermanentCookie features.FeatureName = "HTTPRouteSessionPersistenceCookieLifetimeTypePermanent"
	SupportHTTPRouteSessionPersistenceHeader          features.FeatureName = "HTTPRouteSessionPersistenceHeader"
	SupportXBackendSessionPersistence                 features.FeatureName = "XBackendSessionPersistence"
)

// Generation is a shape of the API with the rules that came with it. Cases are shared where the rules are: manifests never are.
type Generation struct {
	// Folder of the manifests.
	folder string
	cases  []confsuite.ConformanceTest
}

var (
	// UpTo16 is v1.1 to v1.6: sessionName and cookieConfig, and a session that outlives the choice of a backend by weight.
	UpTo16 = Generation{
		folder: "v1.6",
		cases: []confsuite.ConformanceTest{
			HTTPRouteSessionPersistenceCookie,
			HTTPRouteSessionPersistenceCookiePermanent,
			HTTPRouteSessionPersistenceWeightsOfNewSessions,
			HTTPRouteSessionPersistenceRuleScope,
			HTTPRouteSessionPersistenceHeader,
		},
	}
	// From17 is v1.7: cookie and header, XBackend, and weights that no session overrides.
	From17 = Generation{
		folder: "v1.7",
		cases: []confsuite.ConformanceTest{
			HTTPRouteSessionPersistenceCookie,
			HTTPRouteSessionPersistenceCookiePath,
			HTTPRouteSessionPersistenceCookiePermanent,
			HTTPRouteSessionPersistenceWeightsOfRequests,
			HTTPRouteSessionPersistenceHeader,
			XBackendSessionPersistenceCookie,
			XBackendSessionPersistenceCookiePermanent,
			XBackendSessionPersistenceWeights,
			XBackendSessionPersistenceHeader,
		},
	}
)

//go:embed v1.6 v1.7
var manifests embed.FS

func (g Generation) manifests() fs.FS {
	folder, err := fs.Sub(manifests, g.folder)
	if err != nil {
		panic(err)
	}
	return folder
}

// features of all cases, each as often as cases ask for it.
func (g Generation) features() []features.FeatureName {
	var names []features.FeatureName
	for _, test := range g.cases {
		names = append(names, test.Features...)
	}
	return names
}
