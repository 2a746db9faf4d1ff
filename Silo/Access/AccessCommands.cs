using System.CommandLine;
using ControlPlane.Access.Policies;
using ControlPlane.Commands;

namespace ControlPlane.Access;

/// <summary><c>controlplane access check|test|explain|policy|tokens|sessions</c>.</summary>
internal static class AccessCommands
{
    public static Command Create() => new("access", "Who may do what, with which tokens, and who is signed in.")
    {
        Check(),
        Test(),
        Show(),
        ExplainCommand.Create(),
        AccessTokenCommands.Create(),
        AccessSessionCommands.Create(),
    };

    private static Command Check() => OfFile("check", "Reports every fault of an access policy. Needs no silo.", async (path, output) =>
    {
        if (await ReadAsync(path, output) is not { } policy)
        {
            return ExitCodes.Refused;
        }

        await output.WriteLineAsync($"{path} has no faults; it is version {policy.Version}{(policy.IsDryRun ? ", to be tried out" : "")}");
        return ExitCodes.Done;
    });

    private static Command Test() => OfFile("test", "Runs the cases that stand in an access policy. Needs no silo.", async (path, output) =>
    {
        if (await ReadAsync(path, output) is not { } policy)
        {
            return ExitCodes.Refused;
        }

        var outcomes = AccessCases.Run(policy, TimeProvider.System.GetUtcNow());
        foreach (var failed in outcomes.Where(outcome => !outcome.HasPassed))
        {
            var verdict = failed.IsAllowed ? "should be denied and is allowed" : "should be allowed and is denied";
            await output.WriteLineAsync(Printer.Printable($"{path}:{failed.Line}: {failed.Name}: {verdict}: {failed.Rule}"));
        }

        var count = outcomes.Count(outcome => !outcome.HasPassed);
        await output.WriteLineAsync($"{outcomes.Count - count} of {outcomes.Count} cases pass");
        return count == 0 ? ExitCodes.Done : ExitCodes.Refused;
    });

    private static ClientCommand Show() =>
        new("policy", "Prints the access policy in force at the silo that is asked.", async (call, cancellationToken) =>
        {
            var policy = await call.Api.GetAsync<AccessPolicyView>("v1/access/policy", cancellationToken);
            call.Print.One(policy,
                ("version", policy.Version ?? "none"),
                ("mode", policy.IsDryRun ? "dry-run" : "enforce"),
                ("faults of the file as it is now", policy.Faults.Count > 0 ? string.Join("; ", policy.Faults) : null));
            foreach (var line in policy.Text?.Split('\n') ?? [])
            {
                call.Print.Say(line);
            }
        });

    private static Command OfFile(string verb, string description, Func<string, TextWriter, Task<int>> run)
    {
        var file = new Argument<string>("file") { Description = "The policy, YAML." };
        var command = new Command(verb, description) { file };
        command.SetAction((parsed, _) => run(parsed.GetRequiredValue(file), parsed.InvocationConfiguration.Output));
        return command;
    }

    private static async Task<AccessPolicy?> ReadAsync(string path, TextWriter output)
    {
        var read = AccessPolicyFile.Read(path);
        foreach (var fault in read.Faults)
        {
            await output.WriteLineAsync(Printer.Printable(fault));
        }

        return read.Content?.Policy;
    }
}
