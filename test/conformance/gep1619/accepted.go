// What must hold before a case sends its first request.
package gep1619

import (
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"sigs.k8s.io/gateway-api/conformance/utils/http"
	"sigs.k8s.io/gateway-api/conformance/utils/kubernetes"
	confsuite "sigs.k8s.io/gateway-api/conformance/utils/suite"
)

// routeMustServe waits until the HTTPRoute of that name is accepted, its references are resolved, and the paths are served.
// It answers the Gateway's address.
func routeMustServe(t *testing.T, suite *confsuite.ConformanceTestSuite, route string, paths ...string) string {
	t.Helper()
	routeNN := types.NamespacedName{Name: route, Namespace: confsuite.InfrastructureNamespace}
	gwNN := types.NamespacedName{Name: "same-namespace", Namespace: confsuite.InfrastructureNamespace}
	gwAddr := kubernetes.GatewayAndHTTPRoutesMustBeAccepted(t, suite.Client, suite.TimeoutConfig, suite.ControllerName, kubernetes.NewGatewayRef(gwNN), routeNN)
	kubernetes.HTTPRouteMustHaveResolvedRefsConditionsTrue(t, suite.Client, suite.TimeoutConfig, routeNN, gwNN)
	for _, path := range paths {
		http.MakeRequestAndExpectEventuallyConsistentResponse(t, suite.RoundTripper, suite.TimeoutConfig, gwAddr, http.ExpectedResponse{
			Request:   http.Request{Path: path},
			Response:  http.Response{StatusCodes: []int{200}},
			Namespace: confsuite.InfrastructureNamespace,
		})
	}
	return gwAddr
}
