using ControlPlane.Chaos;

namespace ControlPlane.Cluster.Tests.Chaos;

/// <summary>A short soak with every kind of fault; <c>make soak</c> runs longer ones.</summary>
public sealed class SoakTests
{
    [Fact]
    public async Task NoInvariantIsViolated_ByAnyFault()
    {
        var said = new List<string>();
        var options = new SoakOptions
        {
            SiloProgram = Path.Combine(AppContext.BaseDirectory, "recorded-silo.dll"),
            Duration = TimeSpan.FromSeconds(30),
            FaultInterval = TimeSpan.FromSeconds(2.5),
            Nodes = 30,
            Seed = 20_261,
        };

        var checks = await new SoakRun(options, said.Add, TimeProvider.System).RunAsync(TestContext.Current.CancellationToken);

        var violations = checks.SelectMany(check => check.Violations).Select(violation => violation.ToString()).ToList();
        Assert.True(violations.Count == 0, string.Join('\n', violations.Take(20).Concat(said)));
        Assert.All(checks, check => Assert.True(check.Checked > 0, check.Title));
        Assert.All(Enum.GetNames<Fault>(), fault => Assert.Contains(said, line => line.Contains(fault, StringComparison.Ordinal)));
    }
}
