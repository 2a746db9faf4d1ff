using ControlPlane.Adapters.Cfssl;
using ControlPlane.Adapters.Tests.Certificates;
using ControlPlane.Certificates;
using ControlPlane.TestKit;

namespace ControlPlane.Adapters.Tests.Cfssl;

public sealed class CfsslIssuerTests(CfsslWorld world) : CfsslContract(world, new CfsslServerSettings());

public sealed class CfsslKeysTests(CfsslWorld world) : IClassFixture<CfsslWorld>
{
    [Theory]
    [InlineData(TestKeyKind.Rsa2048)]
    [InlineData(TestKeyKind.P384)]
    public async Task IssueAsync_Signs_WithEachKindOfKey(TestKeyKind kind) => await IssuerChecks.AssertAllAsync(
        CfsslWorld.Open(CfsslWorld.OptionsFor(await world.ServerAsync(new CfsslServerSettings { Key = kind }))));
}

public sealed class CfsslDatabaseTests(CfsslWorld world) : CfsslContract(world, new CfsslServerSettings { Database = true })
{
    protected override void Configure(CfsslOptions options, CfsslServer server) => options.Revocation = CfsslRevocation.Database;
}

public sealed class CfsslAuthenticatedTests(CfsslWorld world) : CfsslContract(world, new CfsslServerSettings())
{
    protected override void Configure(CfsslOptions options, CfsslServer server)
    {
        options.Profile = CfsslServer.AuthenticatedProfile;
        options.AuthKeyFile = server.AuthKeyFile;
    }
}

/// <summary>The issuer contract against a real <c>cfssl serve</c>.</summary>
public abstract class CfsslContract(CfsslWorld world, CfsslServerSettings settings)
    : RemoteCertificateIssuerContract, IClassFixture<CfsslWorld>, IAsyncDisposable
{
    private CfsslServer? paused;

    /// <summary>Sets the issuer up for its kind of server.</summary>
    protected virtual void Configure(CfsslOptions options, CfsslServer server)
    {
    }

    protected override async Task<ICertificateIssuer> StartAsync()
    {
        var server = await world.ServerAsync(settings);
        var options = CfsslWorld.OptionsFor(server);
        Configure(options, server);
        return CfsslWorld.Open(options);
    }

    protected override async Task<ICertificateIssuer> StartFaultyAsync(CaFault fault)
    {
        var server = await world.ServerAsync(settings);
        var options = CfsslWorld.OptionsFor(server);
        switch (fault)
        {
            case CaFault.Refuses:
                options.Profile = CfsslServer.NobodyProfile;
                break;
            case CaFault.SignsAnAuthority:
                options.Profile = CfsslServer.AuthorityProfile;
                break;
            case CaFault.SignsThePast:
                options.Profile = CfsslServer.PastProfile;
                break;
            case CaFault.DeniesAccess:
                // 'sign' on a profile that wants the proof of 'authsign'.
                options.Profile = CfsslServer.AuthenticatedProfile;
                break;
            case CaFault.IsAway:
                options.Url = new Uri($"http://127.0.0.1:{LoopbackPort.Free()}");
                break;
            case CaFault.IsSilent:
                break;
            default:
                options.Url = (await world.FrontAsync(server, Spoiling(fault))).Url;
                break;
        }

        var issuer = CfsslWorld.Open(options);
        if (fault == CaFault.IsSilent)
        {
            // Short only now: what goes before must pass on a machine that is busy with other tests.
            Assert.True((await issuer.CheckAsync(Cancel)).Healthy);
            options.Timeout = TimeSpan.FromSeconds(1);
            paused = server;
            server.Pause();
        }

        return issuer;
    }

    public ValueTask DisposeAsync()
    {
        paused?.Continue();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    private static FrontBehaviour Spoiling(CaFault fault) => fault switch
    {
        CaFault.Throttles => FrontBehaviour.Throttles,
        CaFault.LosesTheAnswer => FrontBehaviour.LosesTheAnswer,
        CaFault.AnswersGarbage => FrontBehaviour.AnswersGarbage,
        CaFault.SignsAnotherKey => FrontBehaviour.ChangesTheKey,
        CaFault.OmitsTheName => FrontBehaviour.OmitsTheNames,
        _ => throw new ArgumentOutOfRangeException(nameof(fault)),
    };
}
