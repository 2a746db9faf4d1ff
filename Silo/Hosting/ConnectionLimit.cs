using System.Diagnostics.Metrics;
using System.Net;
using ControlPlane.Access;
using ControlPlane.Api;
using Microsoft.AspNetCore.Connections;

namespace ControlPlane.Hosting;

/// <summary>
/// How many connections a listener takes, in all and from one address. It counts from the moment a connection is accepted, before TLS and
/// before anything is known of who calls, so that nobody can keep others out by holding connections open.
/// </summary>
/// <param name="most">In all.</param>
/// <param name="mostOfOne">From one address; for IPv6 from one network of 64 bits, since a machine has all of its addresses.</param>
internal sealed class ConnectionLimit(int most, int mostOfOne)
{
    private static readonly Counter<long> Refused = ApiMeter.Meter.CreateCounter<long>(
        "controlplane.api.connections.refused", "{connection}", "Connections that a listener did not take: it has as many as it may.");

    private readonly Lock _gate = new();
    private readonly Dictionary<IPAddress, int> _open = [];
    private int _total;

    public ConnectionDelegate Guard(ConnectionDelegate next) => async connection =>
    {
        var origin = CallerNetwork.Of((connection.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None);
        if (!TryEnter(origin))
        {
            Refused.Add(1);
            connection.Abort(new ConnectionAbortedException($"{origin} has too many connections, or all have"));
            return;
        }

        try
        {
            await next(connection);
        }
        finally
        {
            Leave(origin);
        }
    };

    private bool TryEnter(IPAddress origin)
    {
        lock (_gate)
        {
            var ofOne = _open.GetValueOrDefault(origin);
            if (_total >= most || ofOne >= mostOfOne)
            {
                return false;
            }

            _total++;
            _open[origin] = ofOne + 1;
            return true;
        }
    }

    private void Leave(IPAddress origin)
    {
        lock (_gate)
        {
            _total--;
            if (--_open[origin] == 0)
            {
                _open.Remove(origin);
            }
        }
    }
}
