using System.Reflection;
using ControlPlane.Access;
using ControlPlane.Access.Policies;
using ControlPlane.Certificates;
using ControlPlane.Nodes;
using ControlPlane.TestKit.Ports;

namespace ControlPlane.Adapters.Tests.Ports;

/// <summary>
/// What grains hear when a client fails: the exceptions that the port declares, which cross calls between silos, and none of the client's.
/// </summary>
public abstract class PortFailureTests : IDisposable
{
    private readonly PortProbe probe = new();

    /// <summary>Ports whose implementations are the silo's own; they are tested with the silo.</summary>
    private static readonly Type[] OfTheSilo =
        [
            typeof(ILayerFiles), typeof(IPolicySource), typeof(ITokenAuthenticator), typeof(IBreakGlass), typeof(IIdentityTokens),
            typeof(ISiteSigner), typeof(ICallLimits),
        ];

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>The implementations that each client's tests drive into its failures.</summary>
    private static IEnumerable<(Type Port, Type Implementation)> AllTested =>
    [
        .. NatsPortTests.Tested, .. RedisPortTests.Tested, .. IssuerPortTests.Tested, .. ProgramPortTests.Tested,
        .. FilePortTests.Tested, .. OfTheAudit,
    ];

    // They call what fails by ports of theirs, or nothing at all: AuditAppenderTests and AuditLogTests drive them.
    private static IEnumerable<(Type Port, Type Implementation)> OfTheAudit =>
    [
        (typeof(IAuditTrail), typeof(AuditTrail)),
        (typeof(IAuditJournal), typeof(NoAuditJournal)),
        (typeof(IBreakGlass), typeof(NoBreakGlass)),
        (typeof(ISiteSigner), typeof(NoSiteSigner)),
    ];

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Fails for a new port, and for a new adapter of an old one, until a table of these tests has it.</summary>
    public static void AssertAllAreTested()
    {
        var adapters = Directory.GetFiles(AppContext.BaseDirectory, "ControlPlane.Adapters.*.dll")
            .Select(Path.GetFileNameWithoutExtension)
            .Where(name => name != typeof(PortFailureTests).Assembly.GetName().Name)
            .Select(name => Assembly.Load(name!));
        var there = PortList.Implementations(adapters).ToHashSet();

        Assert.Equal(Names(there.Select(one => one.Port).Concat(OfTheSilo)), Names(PortList.All));
        Assert.Empty(Names(there).Except(Names(AllTested)));
        Assert.Empty(Names(AllTested).Except(Names(there)));

        static IEnumerable<string> Names<T>(IEnumerable<T> types) =>
            types.Select(type => $"{type}").Distinct().Order(StringComparer.Ordinal);
    }

    protected virtual void Dispose(bool disposing) => probe.Dispose();

    /// <summary>Calls all members of all of them at once, as a silo does.</summary>
    protected async Task AssertTranslatedAsync(IEnumerable<(Type Port, Type Implementation)> tested, params FailingPort[] failing)
    {
        var known = tested.ToHashSet();
        Assert.All(failing, one => Assert.Contains((one.Port, one.Implementation.GetType()), known));
        var faults = await Task.WhenAll(failing.Select(one => probe.FindFaultsAsync(one, Cancel)));
        var found = faults.SelectMany(few => few).ToList();
        Assert.True(found.Count == 0, string.Join("\n\n", found));
    }

    /// <summary>All ports that an issuer implements.</summary>
    protected static FailingPort[] PortsOf(ICertificateIssuer issuer, Func<Type, Type[]> throws) =>
        [.. PortList.All.Where(port => port.IsInstanceOfType(issuer)).Select(port => new FailingPort(port, issuer, throws(port)))];
}

/// <summary>That no port is forgotten.</summary>
public sealed class EveryPortTests
{
    [Fact]
    public void EveryPort_IsDrivenIntoTheFailuresOfItsClient() => PortFailureTests.AssertAllAreTested();
}
