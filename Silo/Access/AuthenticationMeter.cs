using System.Diagnostics.Metrics;

namespace ControlPlane.Access;

/// <summary>What is measured of those who call, and of those who vouch for them.</summary>
internal sealed class AuthenticationMeter : IDisposable
{
    private readonly Meter _meter = new("ControlPlane.Access");
    private readonly Counter<long> _authentications;
    private readonly Counter<long> _limited;

    public AuthenticationMeter(IssuerKeyRings rings)
    {
        _authentications = _meter.CreateCounter<long>(
            "controlplane.access.authentications", "{request}", "Requests whose credentials were looked at, by method and outcome.");
        _limited = _meter.CreateCounter<long>(
            "controlplane.access.limited", "{request}", "Requests that were refused since somebody asked too much, or is locked.");
        _meter.CreateObservableGauge(
            "controlplane.access.keys.age",
            () => rings.All.Where(keys => keys.Age is not null).Select(keys => new Measurement<double>(
                keys.Age!.Value.TotalSeconds, new KeyValuePair<string, object?>("provider", keys.Name))),
            "s",
            "How long ago an identity provider last said its keys.");
    }

    /// <summary>Counts one request.</summary>
    /// <param name="method">What they showed.</param>
    /// <param name="admitted">Whether the credentials were good.</param>
    public void Count(CallerMethod method, bool admitted) => _authentications.Add(
        1,
        new KeyValuePair<string, object?>("method", method.ToString()),
        new KeyValuePair<string, object?>("outcome", admitted ? "admitted" : "refused"));

    /// <summary>Counts one request that was refused.</summary>
    /// <param name="limit">One of <c>address</c>, <c>principal</c>, <c>lock</c>.</param>
    public void Limited(string limit) => _limited.Add(1, new KeyValuePair<string, object?>("limit", limit));

    public void Dispose() => _meter.Dispose();
}
