using System.Diagnostics.Metrics;

namespace ControlPlane.Adapters.Fleet.Signing;

/// <summary>What is counted of Choria's command line here; <c>docs/METRICS.md</c> describes it.</summary>
internal sealed class SigningMeter : IDisposable
{
    private readonly Meter meter = new("ControlPlane.Access.Choria");
    private readonly Counter<long> logins;
    private readonly Counter<long> signatures;
    private readonly Histogram<double> duration;

    public SigningMeter()
    {
        logins = meter.CreateCounter<long>(
            "controlplane.access.choria.logins", "{login}", "Log-ins for a Choria user token, by how it was tried and the outcome.");
        signatures = meter.CreateCounter<long>(
            "controlplane.access.choria.signatures", "{request}", "Requests that were to be signed, by the way they came and the outcome.");
        duration = meter.CreateHistogram<double>(
            "controlplane.access.choria.signature.duration", "s", "How long a signature took, its audit included.");
    }

    /// <param name="method">A word for how it was tried.</param>
    /// <param name="outcome">A word for what came of it.</param>
    public void CountLogIn(string method, string outcome) => logins.Add(
        1, new KeyValuePair<string, object?>("method", method), new KeyValuePair<string, object?>("outcome", outcome));

    /// <param name="way">How the question came.</param>
    /// <param name="refusal">Why it was not signed; null when it was.</param>
    /// <param name="took">How long it took.</param>
    public void CountSignature(SignatureWay way, SignatureRefusal? refusal, TimeSpan took)
    {
        signatures.Add(
            1, new KeyValuePair<string, object?>("way", way == SignatureWay.Http ? "http" : "rpc"),
            new KeyValuePair<string, object?>("outcome", refusal switch
            {
                null => "signed",
                SignatureRefusal.Malformed => "malformed",
                SignatureRefusal.Token => "token",
                SignatureRefusal.Proof => "proof",
                SignatureRefusal.Denied => "denied",
                SignatureRefusal.Limited => "limited",
                _ => "unrecorded",
            }));
        duration.Record(took.TotalSeconds);
    }

    public void Dispose() => meter.Dispose();
}

/// <summary>How a question for a signature came.</summary>
public enum SignatureWay
{
    Http = 0,
    Rpc = 1,
}
