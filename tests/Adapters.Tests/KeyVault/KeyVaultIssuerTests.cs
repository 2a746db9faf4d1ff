using ControlPlane.Adapters.KeyVault;
using ControlPlane.Adapters.Tests.Certificates;
using ControlPlane.Certificates;
using ControlPlane.TestKit;

namespace ControlPlane.Adapters.Tests.KeyVault;

public sealed class KeyVaultKeysTests
{
    [Theory]
    [InlineData(TestKeyKind.Rsa2048)]
    [InlineData(TestKeyKind.P384)]
    public async Task IssueAsync_Signs_WithEachKindOfKey(TestKeyKind kind)
    {
        await using var world = await KeyVaultWorld.StartAsync(kind);
        await IssuerChecks.AssertAllAsync(world.Open(world.Options()));
    }
}

/// <summary>The issuer contract against the fake Key Vault.</summary>
public sealed class KeyVaultIssuerTests : RemoteCertificateIssuerContract, IAsyncDisposable
{
    private readonly List<KeyVaultWorld> worlds = [];

    // A vault signs digests: it cannot refuse an order, nor put anything else into a certificate. A signature that is lost, late or
    // unreadable is no certificate, so that no outcome is unknown; KeyVaultAnswersTests holds those to 'unavailable'.
    protected override IReadOnlySet<CaFault> PossibleFaults { get; } =
        new HashSet<CaFault> { CaFault.DeniesAccess, CaFault.Throttles, CaFault.IsAway };

    protected override async Task<ICertificateIssuer> StartAsync()
    {
        var world = await WorldAsync();
        return world.Open(world.Options());
    }

    protected override async Task<ICertificateIssuer> StartFaultyAsync(CaFault fault)
    {
        var world = await WorldAsync();
        var options = world.Options();
        if (fault is CaFault.IsAway)
        {
            return world.Open(options, port: LoopbackPort.Free());
        }

        world.Vault.Trick = fault switch
        {
            CaFault.DeniesAccess => KeyVaultTrick.Forbids,
            CaFault.Throttles => KeyVaultTrick.Throttles,
            _ => KeyVaultTrick.Silent,
        };
        var issuer = world.Open(options);
        await issuer.GetChainAsync(Cancel);
        return issuer;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var world in worlds)
        {
            await world.DisposeAsync();
        }
    }

    private async Task<KeyVaultWorld> WorldAsync()
    {
        worlds.Add(await KeyVaultWorld.StartAsync());
        return worlds[^1];
    }
}
