using System.CommandLine;
using ControlPlane.Api;
using ControlPlane.Commands;

namespace ControlPlane.Access;

/// <summary><c>controlplane access sessions list|end</c>.</summary>
internal static class AccessSessionCommands
{
    public static Command Create() => new("sessions", "Who is signed in at the console.") { List(), End() };

    private static ClientCommand List()
    {
        var principal = PrincipalOption("Only this person's.");
        return new ClientCommand("list", "Lists the sessions that have not ended.", async (call, cancellationToken) =>
            Print(call, await FindAsync(call, call.Arguments.GetValue(principal), cancellationToken)))
        { principal };
    }

    private static ClientCommand End()
    {
        var id = new Argument<string?>("id")
        {
            Description = "The session's id, as the list has it.", Arity = ArgumentArity.ZeroOrOne,
        };
        var principal = PrincipalOption("In place of the id: all sessions that this person has now.");
        var reason = new Option<string>("--reason") { Description = "Why, for the record.", DefaultValueFactory = _ => "by command line" };
        return new ClientCommand("end", "Ends a session, or all of a person, at once.", async (call, cancellationToken) =>
        {
            var (one, person) = (call.Arguments.GetValue(id), call.Arguments.GetValue(principal));
            if (one is null == person is null)
            {
                throw new ApiRefusedException("give either the id of a session or --principal");
            }

            var meant = one is not null ? [one] : (await FindAsync(call, person, cancellationToken)).Select(session => session.Id);
            var ended = new List<ConsoleSession>();
            foreach (var session in meant)
            {
                ended.Add(await call.Api.PostAsync<ConsoleSession>(
                    $"v1/access/sessions/{Uri.EscapeDataString(session)}:end",
                    new ReasonBody(call.Arguments.GetRequiredValue(reason)),
                    cancellationToken));
            }

            Print(call, ended);
        })
        { id, principal, reason };
    }

    private static async Task<IReadOnlyList<ConsoleSession>> FindAsync(
        ClientCall call, string? principal, CancellationToken cancellationToken)
    {
        var sessions = await call.Api.ListAsync<SessionPage, ConsoleSession>(
            $"v1/access/sessions?limit={SessionEndpoints.PageMax}", page => (page.Sessions, page.NextCursor), cancellationToken);
        return [.. sessions.Where(session => principal is null || session.Principal == principal)];
    }

    private static void Print(ClientCall call, IReadOnlyList<ConsoleSession> sessions) => call.Print.List(
        sessions,
        ("id", session => session.Id),
        ("principal", session => session.Principal),
        ("begun", session => session.BegunAt),
        ("ends", session => session.EndsAt),
        ("second factor", session => session.SecondFactorAt));

    private static Option<string?> PrincipalOption(string description) => new("--principal") { Description = description };
}
