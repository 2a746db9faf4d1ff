using System.CommandLine;

namespace ControlPlane.Chaos;

/// <summary>The program behind <c>make soak</c>: the exit code is 0 only if no invariant was violated.</summary>
internal static class Program
{
    private const int ShownMax = 20;

    private static readonly Option<double> Minutes =
        new("--minutes") { Description = "How long faults happen [10]", DefaultValueFactory = _ => 10 };
    private static readonly Option<int> Seed =
        new("--seed") { Description = "Decides which faults happen when [1]", DefaultValueFactory = _ => 1 };
    private static readonly Option<int> Nodes =
        new("--nodes") { Description = "Nodes that arrive meanwhile [300]", DefaultValueFactory = _ => 300 };

    private static readonly Option<double> Every =
        new("--every") { Description = "Seconds between two faults in the mean [10]", DefaultValueFactory = _ => 10 };

    public static Task<int> Main(string[] args)
    {
        var command = new RootCommand(
            "Breaks an overlay in every way for a while, and checks what is left") { Minutes, Seed, Nodes, Every };
        command.SetAction(RunAsync);
        return command.Parse(args).InvokeAsync();
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var output = parsed.InvocationConfiguration.Output;
        var configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        var options = new SoakOptions
        {
            Duration = TimeSpan.FromMinutes(parsed.GetValue(Minutes)),
            Seed = parsed.GetValue(Seed),
            Nodes = parsed.GetValue(Nodes),
            FaultInterval = TimeSpan.FromSeconds(parsed.GetValue(Every)),
            SiloProgram = Path.Combine(
                TestKit.Stage.RepositoryRoot.Path, "tests/RecordedSilo/bin", configuration, "net10.0/recorded-silo.dll"),
        };
        var checks = await new SoakRun(options, output.WriteLine, TimeProvider.System).RunAsync(cancellationToken);
        foreach (var check in checks)
        {
            output.WriteLine($"{check.Invariant}  {check.Title,-70} {check.Checked,7} checked {check.Violations.Count,5} violations");
        }

        foreach (var violation in checks.SelectMany(check => check.Violations.Take(ShownMax)))
        {
            output.WriteLine(violation.ToString());
        }

        return checks.All(check => check.Violations.Count == 0) ? 0 : 1;
    }
}
