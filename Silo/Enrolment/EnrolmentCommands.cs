using System.CommandLine;
using System.Globalization;
using ControlPlane.Api;
using ControlPlane.Commands;
using ControlPlane.Placement;

namespace ControlPlane.Enrolment;

/// <summary><c>controlplane overlay pause|resume|limit|release</c>: whether nodes may enrol.</summary>
internal static class EnrolmentCommands
{
    private const string NoLimit = "none";

    public static Command Pause() => Change("pause", "Lets no node begin to enrol into an overlay.", ":pause-enrolment", "is paused");

    public static Command Resume() =>
        Change("resume", "Lets nodes enrol into an overlay again that was paused.", ":resume-enrolment", "is not paused");

    public static Command Release() => Change(
        "release",
        "Releases the brake of an overlay that most of its nodes fell out of, or where configured nodes did not arrive.",
        ":release-enrolment-brake",
        "enrols all nodes again");

    public static Command Limit()
    {
        var overlay = new Argument<string>("overlay");
        var rate = new Argument<string>("per-minute") { Description = $"How many may begin in a minute on all silos, or '{NoLimit}'." };
        rate.Validators.Add(result =>
        {
            var text = result.Tokens[0].Value;
            if (text != NoLimit && RateOrNull(text) is not (>= 1 and <= IEnrolmentControlGrain.PerMinuteMax))
            {
                result.AddError($"'{text}' is neither 1 to {IEnrolmentControlGrain.PerMinuteMax} nor '{NoLimit}'");
            }
        });
        var reason = Reason();
        return new ClientCommand("limit", "Limits how many nodes enrol into an overlay.", async (call, cancellationToken) =>
        {
            var perMinute = RateOrNull(call.Arguments.GetRequiredValue(rate));
            var which = call.Arguments.GetRequiredValue(overlay);
            await call.Api.PutAsync(
                $"v1/overlays/{Uri.EscapeDataString(which)}/enrolment-limit",
                new EnrolmentLimitBody(perMinute, call.Arguments.GetRequiredValue(reason)),
                cancellationToken);
            call.Print.Say($"{which} {(perMinute is null ? "is not limited" : $"enrols at most {perMinute} nodes a minute")}");
        })
        { overlay, rate, reason };
    }

    private static ClientCommand Change(string name, string description, string verb, string done)
    {
        var overlay = new Argument<string>("overlay") { Arity = ArgumentArity.ZeroOrOne };
        var all = new Option<bool>("--all") { Description = "All overlays of the region, instead of one." };
        var reason = Reason();
        var command = new ClientCommand(name, description, async (call, cancellationToken) =>
        {
            var named = call.Arguments.GetValue(overlay);
            var body = new ReasonBody(call.Arguments.GetRequiredValue(reason));
            foreach (var which in named is null ? await OverlaysAsync(call, cancellationToken) : [named])
            {
                await call.Api.PostAsync<EnrolmentControl>($"v1/overlays/{Uri.EscapeDataString(which)}{verb}", body, cancellationToken);
                call.Print.Say($"{which} {done}");
            }
        })
        { overlay, all, reason };
        command.Validators.Add(result =>
        {
            if (result.GetValue(overlay) is null != result.GetValue(all))
            {
                result.AddError("name either one overlay or --all");
            }
        });
        return command;
    }

    private static int? RateOrNull(string text) => int.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static async Task<IEnumerable<string>> OverlaysAsync(ClientCall call, CancellationToken cancellationToken) =>
        (await call.Api.GetAsync<IReadOnlyList<OverlayStatus>>("v1/overlays", cancellationToken))
            .Where(overlay => overlay.Enrolment is not null)
            .Select(overlay => overlay.Name);

    private static Option<string> Reason() =>
        new("--reason")
        {
            Description = "Why, for the record and for who looks at a waiting node.",
            DefaultValueFactory = _ => "by command line"
        };
}
