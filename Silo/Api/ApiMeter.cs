using System.Diagnostics.Metrics;

namespace ControlPlane.Api;

/// <summary>What the API measures besides ASP.NET's own <c>http.server.*</c>.</summary>
internal static class ApiMeter
{
    public static readonly Meter Meter = new("ControlPlane.Api");
}
