using ControlPlane.Certificates;

namespace ControlPlane.Adapters.Cfssl;

/// <summary>A cfssl of version 1.6 or later with a database, that also signs a list of what is revoked.</summary>
internal sealed class ListingCfsslIssuer(string name, CfsslOptions options, TimeProvider time)
    : RevokingCfsslIssuer(name, options, time), ICertificateRevocationListSource
{
    // cfssl reads all revoked rows and signs a list at each call.
    private static readonly TimeSpan KeptFor = TimeSpan.FromMinutes(1);

    private readonly TimeProvider time = time;
    private volatile Kept? kept;

    public override IssuerCapabilities Capabilities => base.Capabilities with { PublishesRevocationList = true };

    public async Task<IReadOnlyList<byte[]>> GetRevocationListsAsync(CancellationToken cancellationToken)
    {
        await VerifyAsync(cancellationToken);
        var now = time.GetUtcNow();
        if (kept is { } current && now < current.Until)
        {
            return current.Lists;
        }

        var answer = await CfsslSetup.TellAsync(Client.GetAsync("crl", cancellationToken));
        try
        {
            var list = answer.Result?.GetBytesFromBase64() ?? throw new IssuerUnavailableException($"cfssl {Name} answered {answer}");
            kept = new Kept([list], now + KeptFor);
            return [list];
        }
        catch (Exception foreign) when (foreign is FormatException or InvalidOperationException)
        {
            throw new IssuerUnavailableException($"cfssl {Name} answered something that is not a revocation list", foreign);
        }
    }

    private sealed record Kept(IReadOnlyList<byte[]> Lists, DateTimeOffset Until);
}
