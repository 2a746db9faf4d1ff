using ControlPlane.Adapters.Tests.Certificates;
using ControlPlane.Adapters.Vault;
using ControlPlane.Certificates;
using ControlPlane.TestKit;

namespace ControlPlane.Adapters.Tests.Vault;

public sealed class VaultIssuerTests : VaultContract;

public sealed class VaultStoredTests : VaultContract
{
    protected override void Configure(VaultOptions options)
    {
        options.Role = "stored";
        options.Stored = true;
    }
}

public sealed class VaultKeysTests
{
    [Theory]
    [InlineData(TestKeyKind.Rsa2048)]
    [InlineData(TestKeyKind.P384)]
    public async Task IssueAsync_Signs_WithEachKindOfKey(TestKeyKind kind)
    {
        await using var world = await VaultWorld.StartAsync(new FakeVaultSettings { Key = kind });
        await IssuerChecks.AssertAllAsync(world.Open(world.Options()));
    }

    [Fact]
    public async Task IssueAsync_Signs_InANamespace()
    {
        await using var world = await VaultWorld.StartAsync(new FakeVaultSettings { Namespace = "fleet/eu" });
        var options = world.Options();
        options.Namespace = "fleet/eu/";
        await IssuerChecks.AssertAllAsync(world.Open(options));
    }

    [Fact]
    public async Task IssueAsync_Signs_ByARoleForEachKindOfKey()
    {
        await using var world = await VaultWorld.StartAsync();
        var options = world.Options();
        (options.Role, options.EllipticRole) = ("rsa", "ec");
        await IssuerChecks.AssertAllAsync(world.Open(options));
    }
}

/// <summary>The issuer contract against the fake Vault.</summary>
public abstract class VaultContract : RemoteCertificateIssuerContract, IAsyncDisposable
{
    private readonly List<VaultWorld> worlds = [];

    protected virtual void Configure(VaultOptions options)
    {
    }

    protected override async Task<ICertificateIssuer> StartAsync()
    {
        var world = await WorldAsync();
        var options = world.Options();
        Configure(options);
        return world.Open(options);
    }

    protected override async Task<ICertificateIssuer> StartFaultyAsync(CaFault fault)
    {
        var world = await WorldAsync();
        var options = world.Options();
        Configure(options);
        switch (fault)
        {
            case CaFault.Refuses:
                (options.Role, options.EllipticRole) = ("elsewhere", null);
                break;
            case CaFault.DeniesAccess:
                (options.Role, options.EllipticRole) = ("forbidden", null);
                break;
            case CaFault.IsAway:
                options.Url = new Uri($"http://127.0.0.1:{LoopbackPort.Free()}");
                break;
            default:
                world.Vault.Trick = TrickFor(fault);
                break;
        }

        var issuer = world.Open(options);
        if (fault is CaFault.IsSilent)
        {
            // Short only now: the login must pass on a machine that is busy with other tests.
            Assert.True((await issuer.CheckAsync(Cancel)).Healthy);
            options.Timeout = TimeSpan.FromSeconds(1);
        }

        return issuer;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var world in worlds)
        {
            await world.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }

    private async Task<VaultWorld> WorldAsync()
    {
        worlds.Add(await VaultWorld.StartAsync());
        return worlds[^1];
    }

    private static VaultTrick TrickFor(CaFault fault) => fault switch
    {
        CaFault.Throttles => VaultTrick.ThrottlesWithoutTime,
        CaFault.IsSilent => VaultTrick.Silent,
        CaFault.LosesTheAnswer => VaultTrick.LosesTheAnswer,
        CaFault.AnswersGarbage => VaultTrick.Garbage,
        CaFault.SignsAnotherKey => VaultTrick.OtherKey,
        CaFault.OmitsTheName => VaultTrick.NoNames,
        CaFault.SignsAnAuthority => VaultTrick.Authority,
        CaFault.SignsThePast => VaultTrick.Past,
        _ => throw new ArgumentOutOfRangeException(nameof(fault)),
    };
}
