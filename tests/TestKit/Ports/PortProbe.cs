using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;

namespace ControlPlane.TestKit.Ports;

/// <summary>Something that implements a port, on a client that fails.</summary>
/// <param name="Port">The port.</param>
/// <param name="Implementation">What is called.</param>
/// <param name="Throws">The exceptions that its members throw then, taken together; none where the port answers all the same.</param>
public sealed record FailingPort(Type Port, object Implementation, params Type[] Throws)
{
    /// <summary>After which the caller gives up on a member that may wait for as long as nothing comes; null where none may.</summary>
    public TimeSpan? Patience { get; init; }

    /// <summary>Whether it throws something, and which of what it declares is another test's matter.</summary>
    public bool ThrowsAny { get; init; }

    /// <summary>Whether it may also throw nothing.</summary>
    public bool MayAnswer { get; init; }

    /// <summary>What members are called with instead of the usual texts, by their parameters' names.</summary>
    public IReadOnlyDictionary<string, string> Texts { get; init; } = new Dictionary<string, string>();
}

/// <summary>Calls every member of a port, and looks at what is thrown as a grain's caller on another silo would see it.</summary>
public sealed class PortProbe : IDisposable
{
    // What no message may show: tests give it to clients as password, token and key.
    public const string Planted = "planted-4711";

    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(2);

    private readonly ServiceProvider services;

    public PortProbe()
    {
        // As a silo: what caused a port's exception is the client's, goes along inside it, and must not keep it from crossing.
        services = new ServiceCollection().AddSerializer()
            .Configure<ExceptionSerializationOptions>(
                options => options.SupportedNamespacePrefixes.UnionWith(["ControlPlane", "NATS.Client", "StackExchange.Redis"]))
            .BuildServiceProvider();
    }

    public void Dispose() => services.Dispose();

    /// <summary>What is wrong with what a port throws while its client fails; empty when nothing is.</summary>
    public async Task<IReadOnlyList<string>> FindFaultsAsync(FailingPort failing, CancellationToken cancellationToken)
    {
        var declared = DeclaredExceptions.Of(failing.Port);
        var thrown = await Task.WhenAll(failing.Port.GetMethods().Select(async member =>
            (Name: member.IsSpecialName ? member.Name[4..] : member.Name, Thrown: await CallAsync(failing, member, cancellationToken))));
        var faults = thrown.Where(call => call.Thrown is not null)
            .SelectMany(call => Judge(call.Thrown!, declared[call.Name]).Select(fault => $"{failing.Port.Name}.{call.Name} {fault}"))
            .ToList();
        var kinds = thrown.Select(call => call.Thrown?.GetType()).OfType<Type>().ToHashSet();
        if (faults.Count == 0 && !failing.MayAnswer && (failing.ThrowsAny ? kinds.Count == 0 : !kinds.SetEquals(failing.Throws)))
        {
            var seen = string.Join(", ", thrown.Select(call => $"{call.Name}: {call.Thrown?.GetType().Name ?? "nothing"}"));
            faults.Add($"{failing.Port.Name} throws something else than the test's table says: {seen}");
        }

        return faults;
    }

    private IEnumerable<string> Judge(Exception thrown, IReadOnlySet<string> declared)
    {
        var type = thrown.GetType();
        if (!Ancestry(type).Any(ancestor => declared.Contains(ancestor.Name)))
        {
            yield return $"throws what it does not declare: {thrown}";
        }

        if (type.Namespace is not { } home || !(home.StartsWith("ControlPlane", StringComparison.Ordinal) || IsOfPlatform(type)))
        {
            yield return $"throws an exception of its client: {type}";
        }

        if (string.IsNullOrWhiteSpace(thrown.Message) || thrown.ToString().Contains(Planted, StringComparison.OrdinalIgnoreCase))
        {
            yield return $"has no message, or one with a secret in it: {thrown}";
        }

        var serializer = services.GetRequiredService<Serializer>();
        var arrived = serializer.Deserialize<Exception>(serializer.SerializeToArray(thrown));
        if ((arrived?.GetType(), arrived?.Message) != (type, thrown.Message))
        {
            yield return $"throws what does not cross a call between silos: {arrived}";
        }
    }

    private static async Task<Exception?> CallAsync(FailingPort failing, MethodInfo member, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(failing.Patience ?? Timeout.InfiniteTimeSpan);
        var arguments = member.GetParameters()
            .Select(parameter => PortArguments.Of(parameter, failing.Texts, patience.Token)).ToArray();
        try
        {
            var answer = Task.Run(() => FinishAsync(member.Invoke(
                failing.Implementation, BindingFlags.DoNotWrapExceptions, binder: null, arguments, culture: null)), cancellationToken);
            await answer.WaitAsync(Deadline, TimeProvider.System, cancellationToken);
            return null;
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            return null;
        }
        catch (Exception thrown)
        {
            return thrown;
        }
    }

    private static async Task FinishAsync(object? answer)
    {
        switch (answer)
        {
            case Task task:
                await task;
                break;
            case ValueType when answer.GetType().GetMethod(nameof(ValueTask.AsTask)) is { } asTask:
                await (Task)asTask.Invoke(answer, null)!;
                break;
            case not null when Sequence(answer.GetType()) is { } sequence:
                await (Task)typeof(PortProbe).GetMethod(nameof(ReadAsync), BindingFlags.NonPublic | BindingFlags.Static)!
                    .MakeGenericMethod(sequence.GetGenericArguments()).Invoke(null, [answer])!;
                break;
            default:
                break;
        }
    }

    private static async Task ReadAsync<T>(IAsyncEnumerable<T> sequence)
    {
        await foreach (var one in sequence)
        {
            _ = one;
        }
    }

    private static Type? Sequence(Type type) => type.GetInterfaces()
        .FirstOrDefault(one => one.IsGenericType && one.GetGenericTypeDefinition() == typeof(IAsyncEnumerable<>));

    private static IEnumerable<Type> Ancestry(Type type)
    {
        for (var one = type; one is not null && one != typeof(Exception); one = one.BaseType)
        {
            yield return one;
        }
    }

    private static bool IsOfPlatform(Type type) => type.Assembly.GetName().Name!.StartsWith("System.", StringComparison.Ordinal);
}
